import { CONFIG_DEFAULT } from '../../check.ts'
import type { Command } from './asked.ts'

const CONFIG = `  -c, --config FILE  the config; default: ${CONFIG_DEFAULT}
  --allow PORTS      ports that are open to everybody, as in tcp/80,tcp/443`

/** The help of each command. */
export const HELPS: Readonly<Record<Command, string>> = {
  print: `usage: postern firewall print [-c FILE] [--allow PORTS]...

Prints a base ruleset for a server that has none: loopback, established
connections, ICMP, the ports named and those that are guarded are accepted, the
rest is refused as closed ports refuse. Changes nothing and needs no privilege.

${CONFIG}
  -h, --help         show this help

exit status: 0 printed, 2 usage, 78 the config cannot be used

  postern firewall print --allow tcp/80,tcp/443 > base.nft
`,
  apply: `usage: postern firewall apply [-c FILE] [--allow PORTS]... [--timeout TIME]
                              [--dry-run] [--beside] [--persist [--replace]]

Loads the base ruleset that \`print\` prints, on trial: unless it is confirmed
over a new connection it is taken back by itself, even if this terminal is lost
or every process of it killed.

${CONFIG}
  --timeout TIME     length of the trial; default: 60s
  --dry-run          show what would change, and change nothing
  --beside           load it even where other rules filter what comes in as well
  --persist          once it is confirmed, write it where this machine loads its
                     rules at boot
  --replace          with --persist: also replace rules of other programs
  -h, --help         show this help

exit status: 0 confirmed, 1 taken back or not loaded, 2 usage,
78 the config cannot be used

  sudo postern firewall apply --allow tcp/80,tcp/443
`,
  confirm: `usage: postern firewall confirm

Keeps the base ruleset that is on trial. Run it over a connection made after the
trial began: that proves that you can still log in.

  -h, --help         show this help

exit status: 0 it is kept, 1 it is not, 2 usage
`,
  restore: `usage: postern firewall restore

Loads the confirmed base ruleset again, exactly as it was, after a flush removed
it, somebody edited it, or a trial was never taken back. Established connections
stay. Refuses where the ruleset would refuse a port that the config opens, or
the one at which you are logged in.

  -h, --help         show this help

exit status: 0 it is loaded, 1 it is not, 2 usage
`,
  remove: `usage: postern firewall remove [--keep-guard]

Removes the base ruleset, its file that is loaded at boot with the line that
names it, and the guard that a daemon left, unless one is running. The
machine's own rules are not touched.

  --keep-guard       leave the guard: what it hides stays hidden
  -h, --help         show this help

exit status: 0 nothing of it is left, 1 something is, 2 usage
`,
  status: `usage: postern firewall status [--json]

Shows whether the base ruleset is loaded, confirmed or on trial, whether it is
loaded at boot, which other rules filter what comes in, and problems, each with
the command that fixes it. Changes nothing.

  --json             print one JSON document
  -h, --help         show this help

exit status: 0 loaded as it was confirmed, without problems, 1 not so, 2 usage
`,
}
