import { CompareView, MIME_TYPE } from '../views/compare';
import { drawPage } from '../page';

drawPage({ mime: MIME_TYPE, name: 'compare', draw: payload => new CompareView(payload) });
