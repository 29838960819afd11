export { MIME_TYPE } from './payload';
export { HighlightView } from './view';
export { readOptions } from './live';
export { readFailure, readStatus } from '../status';
export type { ExplainArgs, Live, Options } from './live';
export type { Requests, Status } from '../status';
export type { HighlightPayload } from './payload';
