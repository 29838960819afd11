/** What is read and by which lens, and the tokens that are followed: to be chosen where a model is in memory. */

import { h, button, foreign } from '../dom';
import { drawPanel, select, textField } from '../fields';
import { word } from './payload';
import type { Args } from '../status';
import type { Live } from './live';
import type { LensPayload } from './payload';

export interface Controls {
  head: HTMLElement;
  /** Says that the model is gone, where it is. */
  panel: HTMLElement | null;
  /** The followed tokens, and a field for another one. */
  follow: HTMLElement;
}

export function drawControls(
  payload: LensPayload,
  live: Live | null,
  explain: (args: Args) => void
): Controls {
  const head = h('div', { class: 'iw-controls' });
  const follow = h('div', { class: 'iw-follow', 'data-iw': 'follow' });
  const asks = live !== null && live.options.live;
  if (live === null || live.options.sites.length === 0) {
    head.append(h('span', { class: 'iw-method', 'data-iw': 'reads' }, payload.reads));
  } else {
    const { sites, calibrated } = payload.settings;
    const site = select(
      live.options.sites.map(one => ({ value: one.name, label: one.label })),
      sites,
      'What is read',
      'site',
      name => explain(name === 'resid_post' ? { sites: name } : { sites: name, calibrated: false })
    );
    const lens = select(
      [
        { value: 'plain', label: 'plain lens' },
        { value: 'calibrated', label: 'calibrated lens' }
      ],
      calibrated ? 'calibrated' : 'plain',
      'Lens',
      'lens-kind',
      name => explain({ calibrated: name === 'calibrated' })
    );
    site.disabled = !asks;
    lens.disabled = !asks || sites !== 'resid_post';
    head.append(site, lens);
  }
  const panel = live !== null && !asks ? drawPanel(head, [], true, false, () => undefined).panel : null;
  follow.append(h('span', { class: 'iw-dim' }, 'followed:'));
  payload.followed.forEach((id, at) => {
    const name = word(payload, id);
    // The first is the model's own answer, which is always followed.
    if (at === 0 || !asks) {
      follow.append(foreign(name, { class: 'iw-name' }));
    } else {
      follow.append(
        button(
          {
            class: 'iw-link iw-name',
            'aria-label': `Follow ${name} no more`,
            title: 'follow no more',
            'data-iw': 'unfollow',
            'data-id': id
          },
          `${name} ×`,
          () => explain({ unfollow: at - 1 })
        )
      );
    }
  });
  if (asks) {
    follow.append(
      textField('Follow another token', '', 'follow-text', 'another token', text => explain({ follow: text }))
    );
  }
  return { head, panel, follow };
}
