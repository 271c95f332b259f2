/** minirun-runc that kills itself before a step: bundled and started by runc-killed.test.ts. */
import { main } from '../../../src/runc/commands/main.ts';

const [index, ...argv] = process.argv.slice(2);
process.env.MINIRUN_EXPLAIN = 'on';
const code = await main(argv, {
  version: () => '',
  explain: async (error) => error.message,
  narrate: async () => ({
    observer: {
      begin({ index: now }) {
        if (now === Number(index)) process.kill(process.pid, 'SIGKILL');
      },
    },
    end() {},
  }),
});
process.exit(code);
