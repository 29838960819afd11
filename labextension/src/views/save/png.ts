/** The vector picture as pixels, twice as many as on screen. */

import type { Drawing } from './drawing';

const DENSITY = 2;

export async function rasterise(drawing: Drawing): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(drawing.text)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = drawing.width * DENSITY;
  canvas.height = drawing.height * DENSITY;
  const context = canvas.getContext('2d');
  if (context === null) {
    throw new Error('This browser offers no canvas.');
  }
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      blob => (blob === null ? reject(new Error('The picture is too large.')) : resolve(blob)),
      'image/png'
    );
  });
}
