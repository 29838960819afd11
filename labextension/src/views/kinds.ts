/** The kinds of picture that this extension draws, by MIME type. */

import { CompareView, MIME_TYPE as COMPARE_TYPE } from './compare';
import { EditView, MIME_TYPE as EDIT_TYPE } from './edit';
import { ErasureView, MIME_TYPE as ERASURE_TYPE } from './erasure';
import { FaithfulnessView, MIME_TYPE as FAITHFULNESS_TYPE } from './faithfulness';
import { MIME_TYPE as HEADS_TYPE, HeadsView } from './heads';
import { HighlightView, MIME_TYPE } from './highlight';
import { MIME_TYPE as LENS_TYPE, LensView } from './lens';
import { MIME_TYPE as MATRIX_TYPE, MatrixView } from './matrix';
import { MIME_TYPE as NEURON_TYPE, NeuronView } from './neuron';
import { MIME_TYPE as PATCH_TYPE, PatchView } from './patch';
import { MIME_TYPE as STEERING_TYPE, SteeringView } from './steering';
import { MIME_TYPE as TRACE_TYPE, TraceView } from './trace';

/** A drawn picture without a live half. */
export interface StillView {
  readonly element: HTMLElement;
  dispose(): void;
}

export interface PictureKind {
  mime: string;
  /** The mark of the view's element. */
  name: string;
  draw(payload: unknown): StillView;
}

export const HIGHLIGHT: PictureKind = {
  mime: MIME_TYPE,
  name: 'highlight',
  draw: payload => new HighlightView(payload)
};

export const COMPARE: PictureKind = {
  mime: COMPARE_TYPE,
  name: 'compare',
  draw: payload => new CompareView(payload)
};

export const EDIT: PictureKind = {
  mime: EDIT_TYPE,
  name: 'edit',
  draw: payload => new EditView(payload)
};

export const ERASURE: PictureKind = {
  mime: ERASURE_TYPE,
  name: 'erasure',
  draw: payload => new ErasureView(payload)
};

export const FAITHFULNESS: PictureKind = {
  mime: FAITHFULNESS_TYPE,
  name: 'faithfulness',
  draw: payload => new FaithfulnessView(payload)
};

export const HEADS: PictureKind = {
  mime: HEADS_TYPE,
  name: 'heads',
  draw: payload => new HeadsView(payload)
};

export const LENS: PictureKind = {
  mime: LENS_TYPE,
  name: 'lens',
  draw: payload => new LensView(payload)
};

export const MATRIX: PictureKind = {
  mime: MATRIX_TYPE,
  name: 'matrix',
  draw: payload => new MatrixView(payload)
};

export const NEURON: PictureKind = {
  mime: NEURON_TYPE,
  name: 'neuron',
  draw: payload => new NeuronView(payload)
};

export const STEERING: PictureKind = {
  mime: STEERING_TYPE,
  name: 'steering',
  draw: payload => new SteeringView(payload)
};

export const PATCH: PictureKind = {
  mime: PATCH_TYPE,
  name: 'patch',
  draw: payload => new PatchView(payload)
};

export const TRACE: PictureKind = {
  mime: TRACE_TYPE,
  name: 'trace',
  draw: payload => new TraceView(payload)
};

export const KINDS: readonly PictureKind[] = [
  HIGHLIGHT,
  COMPARE,
  EDIT,
  ERASURE,
  FAITHFULNESS,
  HEADS,
  LENS,
  MATRIX,
  NEURON,
  PATCH,
  STEERING,
  TRACE
];

/** The kind of a MIME type; what is not named is a highlight. */
export function kindOf(mime: string | undefined): PictureKind {
  return KINDS.find(kind => kind.mime === mime) ?? HIGHLIGHT;
}
