import { HeadsView, MIME_TYPE } from '../views/heads';
import { drawPage } from '../page';

drawPage({ mime: MIME_TYPE, name: 'heads', draw: payload => new HeadsView(payload) });
