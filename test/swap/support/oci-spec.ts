/** Those parts of a container's config.json that tests change. */
export interface OciSpec {
  process: { args: string[]; terminal?: boolean; [more: string]: unknown };
  linux: { cgroupsPath?: string; [more: string]: unknown };
  [more: string]: unknown;
}
