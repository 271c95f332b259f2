/** The program minirund: dockerd, with the narrator of the layer above. */
async function start(): Promise<void> {
  if (process.env.MINIRUN_EXPLAIN) {
    const { narrateMessages } = await import('./message-narration.ts');
    narrateMessages('dockerd');
  }
  await import('../dockerd/main.ts');
}

void start();
