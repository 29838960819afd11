/** The part of a widget's model that our widgets use (the AFM interface of anywidget). */

export interface WidgetModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: (...args: unknown[]) => void): void;
  off(event: string, callback: (...args: unknown[]) => void): void;
  send(content: unknown): void;
}

/** Another widget of the same kernel, drawn in a place of ours until the signal. */
interface OtherWidget {
  render(place: { el: HTMLElement; signal?: AbortSignal }): Promise<void>;
}

export interface RenderContext {
  model: WidgetModel;
  el: HTMLElement;
  /** Aborted when the view is removed; hosts with an older anywidget have none. */
  signal?: AbortSignal;
  /** Finds other widgets; hosts with an older anywidget have none. */
  host?: { getWidget(reference: string): Promise<OtherWidget> };
}
