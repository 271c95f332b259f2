/** How far a transfer has come, one thing at a time. */
export interface Progress {
  status: 'resolving' | 'resolved' | 'waiting' | 'downloading' | 'uploading' | 'mounted' | 'exists' | 'done' | 'unpacking' | 'unpacked';
  /** the ingest's name, `layer-sha256:…`; of an image, its name */
  ref: string;
  digest?: string;
  /** bytes that are there, and that there will be */
  offset?: number;
  total?: number;
}

export type ProgressObserver = (progress: Progress) => void;
