/** What a reader of `--explain`, or of a test, can be told of each request. */
export interface RequestSeen {
  method: string;
  /** without its query, which may hold secrets */
  url: string;
  status: number;
  /** milliseconds until the head of the answer */
  milliseconds: number;
  /** one phrase: what it was for */
  why: string;
}

export type RequestObserver = (seen: RequestSeen) => void;
