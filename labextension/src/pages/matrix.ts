import { MIME_TYPE, MatrixView } from '../views/matrix';
import { drawPage } from '../page';

drawPage({ mime: MIME_TYPE, name: 'matrix', draw: payload => new MatrixView(payload) });
