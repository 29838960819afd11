export { MIME_TYPE } from './payload';
export { HighlightView } from './view';
export { readFailure, readOptions, readStatus } from './live';
export type { ExplainArgs, Live, Options, Requests, Status } from './live';
export type { HighlightPayload } from './payload';
