export { MIME_TYPE } from './payload';
export { SteeringView } from './view';
export type { Live, Options } from './live';
export type { SteeringPayload } from './payload';
