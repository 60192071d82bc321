export interface PeerId {
  readonly pid: number;
  readonly start: number;
}
