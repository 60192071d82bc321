export interface FileFacts {
  readonly isCharacterDevice: boolean;
  readonly major: number;
  readonly minor: number;
  /** Permission bits (mask 0o7777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export type DeviceNode = FileFacts;
