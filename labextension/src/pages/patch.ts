import { MIME_TYPE, PatchView } from '../views/patch';
import { drawPage } from '../page';

drawPage({ mime: MIME_TYPE, name: 'patch', draw: payload => new PatchView(payload) });
