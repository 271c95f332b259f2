/** The program minirun-containerd: containerd, with the narrator of the layer above. */
async function start(): Promise<void> {
  if (process.env.MINIRUN_EXPLAIN) {
    const { narrateMessages } = await import('./message-narration.ts');
    narrateMessages('containerd');
  }
  await import('../containerd/main.ts');
}

void start();
