/** `--help` was asked for and has been printed: nothing more is to be done. */
export class HelpShown extends Error {}
