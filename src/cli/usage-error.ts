/** Something that a person typed cannot be done: one sentence, known before anything is made. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
