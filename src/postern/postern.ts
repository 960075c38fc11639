import { runGroup } from '../cli/group.ts'
import type { CommandGroup } from '../cli/group.ts'
import type { Output } from '../cli/output.ts'
import { PROXY } from '../client/proxy/arguments.ts'
import { CHECK } from './check/arguments.ts'
import { completionOf } from './completion/arguments.ts'
import { ACCEPT_LOSS, CLOSE, FORGIVE, OPEN, STATUS } from './control/arguments.ts'
import { DOCTOR } from './doctor/arguments.ts'
import { EVENTS } from './events/arguments.ts'
import { FIREWALL } from './firewall/arguments.ts'
import { FLEET } from './fleet/arguments.ts'
import { KEYGEN } from './keygen/arguments.ts'
import { PAGE } from './page/arguments.ts'
import { REHEARSE } from './rehearse/arguments.ts'
import { REPLAY } from './replay/arguments.ts'
import { REPORT } from './report/arguments.ts'
import { SEQUENCES } from './sequences/arguments.ts'
import { SETUP } from './setup/arguments.ts'
import { USER } from './user/arguments.ts'
import { WATCH } from './watch/arguments.ts'

/** The table of the commands of `postern`. */
export const POSTERN: CommandGroup = {
  name: 'postern',
  about: "Manages knockd's doors.",
  commands: [
    SETUP,
    CHECK,
    REPLAY,
    REHEARSE,
    DOCTOR,
    STATUS,
    WATCH,
    EVENTS,
    REPORT,
    OPEN,
    CLOSE,
    FORGIVE,
    ACCEPT_LOSS,
    SEQUENCES,
    USER,
    KEYGEN,
    PAGE,
    PROXY,
    FIREWALL,
    FLEET,
    completionOf(() => POSTERN),
  ],
  notes: `examples:
  postern check
  postern check --strict ./knockd.conf && systemctl reload knockd`,
}

/** Runs postern's command line, and returns the exit code. */
export async function postern(argv: readonly string[], output: Output): Promise<number> {
  return await runGroup(POSTERN, argv, output)
}
