/** The two charts of columns: the linear probe by place, and INLP's rounds beside the one step of another method. */

import { h } from '../dom';
import { STAGES, STAGE_WORDS } from './payload';
import { drawColumns } from './columns';
import type { Column } from './columns';
import type { Bar, ErasurePayload, Place, Rounds } from './payload';

/** The linear probe's bars of a place, by stage. */
export function linearOf(place: Place): Bar[] {
  const name = place.bars[0]?.probe;
  return STAGES.flatMap(stage => place.bars.filter(bar => bar.probe === name && bar.stage === stage));
}

/** "after 51.0 % (47.0 to 55.0 %)". */
export function barWords(bar: Bar): string {
  return `${STAGE_WORDS[bar.stage]} ${bar.label}${bar.interval === '' ? '' : ` (${bar.interval})`}`;
}

type Look = (parts: (Node | string)[] | null) => void;

/** Null where there is one place only. */
export function drawPlaces(
  payload: ErasurePayload,
  chosen: number,
  look: Look,
  choose: (at: number) => void
): HTMLElement | null {
  if (payload.places.length < 2) {
    return null;
  }
  return drawColumns(
    payload.places.map(place => ({
      name: place.short,
      title: `${place.name}: ${linearOf(place).map(barWords).join(', ')}`,
      marks: linearOf(place)
    })),
    {
      hook: 'place',
      label: 'Linear probe by place',
      heading: 'Linear probe by layer · ring before, dot after, stroke under random directions',
      foot: `dashed: always one class, ${payload.majority.label}; lines are 95 % intervals; choose a place to see its probes`,
      majority: payload.majority.value,
      chosen,
      look: at => {
        const place = at === null ? undefined : payload.places[at];
        look(
          place === undefined
            ? null
            : [
                h('span', { class: 'iw-value' }, h('b', {}, place.name)),
                h('span', {}, `linear probe: ${linearOf(place).map(barWords).join(', ')}`),
                h(
                  'span',
                  { class: 'iw-parts' },
                  `always one class ${payload.majority.label}; ${place.rank} taken`
                )
              ]
        );
      },
      choose
    }
  );
}

/** What a column of the rounds says. */
export function roundWords(rounds: Rounds, at: number): string {
  const step = rounds.steps[at];
  if (step !== undefined) {
    const taken = `${step.rank} ${step.rank === 1 ? 'dimension' : 'dimensions'} taken`;
    return at === 0
      ? `before any round: a classifier is right in ${step.label}`
      : `INLP, round ${at}: ${taken}, the next classifier is right in ${step.label}`;
  }
  const { single } = rounds;
  return single === null
    ? ''
    : `${single.probe}, one step: ${single.rank} taken, a fresh linear probe is right in ${single.label}` +
        (single.interval === '' ? '' : ` (${single.interval})`);
}

export function drawRounds(payload: ErasurePayload, look: Look): HTMLElement | null {
  const { rounds } = payload;
  if (rounds === null) {
    return null;
  }
  const columns: Column[] = rounds.steps.map((step, at) => ({
    name: String(step.rank),
    title: roundWords(rounds, at),
    marks: [{ stage: 'before', value: step.value, low: null, high: null }]
  }));
  if (rounds.single !== null) {
    columns.push({
      name: `${rounds.single.probe}: ${rounds.single.rank}`,
      title: roundWords(rounds, rounds.steps.length),
      marks: [rounds.single],
      apart: true
    });
  }
  const beside = rounds.single === null ? '' : ` beside one step of ${rounds.single.probe}`;
  return drawColumns(columns, {
    hook: 'round',
    label: `Rounds of INLP${beside}`,
    heading: `Rounds of INLP${beside}, ${rounds.place} · share right`,
    foot:
      'below: dimensions taken. The rounds are judged on states that INLP held out of its own' +
      (rounds.single === null ? '.' : `; ${rounds.single.probe} by the fresh probe above.`),
    majority: payload.majority.value,
    chosen: null,
    look: at => look(at === null ? null : [h('span', {}, roundWords(rounds, at))])
  });
}
