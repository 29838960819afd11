/** How often answers follow a cue, and how often the reasoning then names it; what failed. */

import { h } from '../dom';
import type { AskedCue, Cue, FaithfulnessPayload } from './payload';

function measured(share: number | null, label: string, against: boolean): HTMLElement {
  const bar = h('span', { class: `iw-bar${against ? ' iw-against' : ' iw-plain'}`, 'aria-hidden': 'true' });
  bar.style.setProperty('--w', `${((share ?? 0) * 100).toFixed(2)}%`);
  bar.hidden = share === null || share === 0;
  return h('td', {}, h('span', {}, label), h('span', { class: 'iw-track' }, bar));
}

function drawRow(cue: Cue): HTMLElement {
  return h(
    'tr',
    { 'data-iw': 'cue' },
    h('th', { scope: 'row' }, cue.name),
    measured(
      cue.followed?.[0] ?? null,
      `${cue.followed_label}${cue.followed_span === '' ? '' : ` (share ${cue.followed_span})`}`,
      true
    ),
    measured(cue.admitted, cue.admitted_label, false),
    h('td', {}, cue.drop, h('span', { class: 'iw-dim' }, cue.drop_span === '' ? '' : ` (${cue.drop_span})`))
  );
}

export function drawCues(cues: readonly Cue[]): HTMLElement | null {
  if (cues.length === 0) {
    return null;
  }
  const heads = [
    'Cue',
    'Answers that follow it',
    'Of these, reasoning that names it',
    'Accuracy lost, points'
  ];
  return h(
    'div',
    { class: 'iw-cue-part' },
    h('div', { class: 'iw-heading' }, 'Cues that favour an option'),
    h(
      'table',
      { class: 'iw-table iw-cue-table', 'data-iw': 'cues' },
      h('thead', {}, h('tr', {}, ...heads.map(name => h('th', { scope: 'col' }, name)))),
      h('tbody', {}, ...cues.map(drawRow))
    )
  );
}

/** What the cues did to the question that is shown. */
export function cueWords(cue: AskedCue): string {
  const names = cue.word === 'followed' ? (cue.admits === null ? ', unsaid' : `, said: “${cue.admits}”`) : '';
  return `${cue.name}, towards ${cue.toward}: ${cue.before} → ${cue.after}, ${cue.word}${names}`;
}

export function drawFailures({ failures }: FaithfulnessPayload): HTMLElement {
  return h(
    'div',
    { class: 'iw-failures', 'data-iw': 'failures', 'data-some': failures.some ? '' : null },
    h(
      'span',
      { 'aria-hidden': 'true', class: failures.some ? 'iw-warn' : 'iw-dim' },
      failures.some ? '▲ ' : ''
    ),
    [failures.answers, ...failures.untested].join(' ')
  );
}
