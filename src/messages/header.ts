/** The number of a message travels with it, as a header, so that its receiver can say what it sends because of it. */

export const HEADER = 'minirun-message';

type HeadersInit = NonNullable<ConstructorParameters<typeof Headers>[0]>;

export function withMessage(header: HeadersInit | undefined, id: string): Headers {
  const headers = new Headers(header);
  headers.set(HEADER, id);
  return headers;
}

/** Taken only in the form that we write: it comes from another process. */
export function messageOf(headers: Headers): string | undefined {
  const id = headers.get(HEADER) ?? '';
  return /^\d{1,10}\.\d{1,10}$/.test(id) ? id : undefined;
}
