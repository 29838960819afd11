import { MIME_TYPE, LensView } from '../views/lens';
import { drawPage } from '../page';

drawPage({ mime: MIME_TYPE, name: 'lens', draw: payload => new LensView(payload) });
