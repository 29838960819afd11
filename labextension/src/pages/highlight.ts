import { HighlightView, MIME_TYPE } from '../views/highlight';
import { drawPage } from '../page';

drawPage({ mime: MIME_TYPE, name: 'highlight', draw: payload => new HighlightView(payload) });
