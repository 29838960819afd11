import { MIME_TYPE, TraceView } from '../views/trace';
import { drawPage } from '../page';

drawPage({ mime: MIME_TYPE, name: 'trace', draw: payload => new TraceView(payload) });
