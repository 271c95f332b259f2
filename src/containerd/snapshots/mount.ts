/** How a file system is to be mounted, as containerd says it: mount(8)'s type, source and options. */
export interface Mount {
  type: string;
  source: string;
  /** A folder below the root file system that it makes; the root itself when empty. */
  target?: string;
  options: string[];
}
