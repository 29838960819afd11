export { drawHeat } from './grid';
export type { HeatEvents, HeatGrid } from './grid';
export { drawHeatLegend } from './legend';
export { cellWords, largest, samePlace } from './map';
export type { Heat, HeatRow, HeatWords, Place } from './map';
export { addHeat } from './drawing';
export { drawHeatTable } from './table';
export { drawHeatReadout } from './readout';
export { isCellValue, isRow, isTable } from './read';
