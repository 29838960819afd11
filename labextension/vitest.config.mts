import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    setupFiles: ['src/__tests__/setup.ts'],
    include: ['src/__tests__/**/*.test.ts'],
    // The Lumino packages publish ES modules without file extensions, which Node alone does not resolve.
    server: { deps: { inline: [/@lumino/, /@jupyterlab/, /@jupyter\//] } },
    restoreMocks: true
  }
});
