import { MIME_TYPE, SteeringView } from '../views/steering';
import { drawPage } from '../page';

drawPage({ mime: MIME_TYPE, name: 'steering', draw: payload => new SteeringView(payload) });
