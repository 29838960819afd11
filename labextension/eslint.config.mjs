import js from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['lib/', 'node_modules/', '../interp_widgets/'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    files: ['src/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      // A plugin's activate function may well do nothing but connect signals.
      '@typescript-eslint/no-extraneous-class': 'off',
      'no-console': 'error',
      eqeqeq: 'error',
      // Token text is hostile data: it enters the page as text nodes and attributes, never as markup.
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'Use text nodes: token text is hostile data.' },
        { property: 'outerHTML', message: 'Use text nodes: token text is hostile data.' },
        { property: 'insertAdjacentHTML', message: 'Use text nodes: token text is hostile data.' }
      ]
    }
  },
  {
    files: ['src/__tests__/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off', 'no-restricted-properties': 'off' }
  },
  {
    files: ['scripts/*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } }
  }
);
