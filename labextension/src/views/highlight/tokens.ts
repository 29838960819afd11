/** The picture: the prompt as running text, each token tinted and underlined by its score. */

import { drawList } from '../list';
import { drawToken, setLines } from '../tokens';
import type { ListEvents, TokenList } from '../list';
import type { Passage } from '../payload';

/** Draws the running text with its keyboard and mouse. */
export function drawTokens(passage: Passage, events: ListEvents): TokenList {
  const list = drawList('Tokens of the prompt with their scores', events);
  list.items = passage.boxes.map((box, index) => drawToken(box, index, passage.scale));
  list.directions = setLines(list.element, passage, list.items);
  list.enter(0);
  return list;
}
