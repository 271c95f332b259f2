/** A template that cannot be read, or that does not fit what it is used on; begins with the words that Docker uses. */
export class TemplateError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TemplateError';
  }
}
