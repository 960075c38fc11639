import { CONFIG_DEFAULT } from '../../check.ts'
import type { Command } from './asked.ts'

const WHAT = `  -c, --config FILE  the config; ${CONFIG_DEFAULT} without it
  --allow PORTS      ports that are open to everybody, as in tcp/80,tcp/443`

/** What each command prints when asked for help. */
export const HELPS: Readonly<Record<Command, string>> = {
  print: `usage: postern firewall print [-c FILE] [--allow PORTS]...

Prints a base ruleset for a server that has none: loopback, established connections,
ICMP, the ports named and those that are guarded are let in, the rest is refused as
closed ports refuse. Changes nothing and needs no privilege.

${WHAT}
  -h, --help         this text

exit status: 0 printed, 2 usage, 78 the config cannot be used

  postern firewall print --allow tcp/80,tcp/443 > base.nft
`,
  apply: `usage: postern firewall apply [-c FILE] [--allow PORTS]... [--timeout TIME]
                              [--dry-run] [--beside] [--persist [--replace]]

Puts the base ruleset that \`print\` prints in force, on trial: unless it is confirmed
over a new connection it is taken back by itself, also if this terminal is lost or
every process of it killed.

${WHAT}
  --timeout TIME     how long the trial is: 60s without it
  --dry-run          show how it differs from what is in force, and change nothing
  --beside           though others' rules judge what comes in as well
  --persist          once it is confirmed, write it where this machine loads its rules
                     when it starts
  --replace          with --persist: also if rules of somebody else stand there
  -h, --help         this text

exit status: 0 confirmed, 1 taken back or not put in force, 2 usage, 78 the config
cannot be used

  sudo postern firewall apply --allow tcp/80,tcp/443
`,
  confirm: `usage: postern firewall confirm

Keeps the base ruleset that is on trial. Run it over a connection made after the trial
began: that it can be made is what the trial is for.

  -h, --help         this text

exit status: 0 it stays, 1 it does not, 2 usage
`,
  restore: `usage: postern firewall restore

Puts the base ruleset that was confirmed in force again, exactly as it was, where a
flush took it out of the rules, somebody edited it, or a trial was never taken back.
Established connections stay. Refuses where the ruleset would refuse a port that the
config opens, or the one at which you are logged in.

  -h, --help         this text

exit status: 0 it is in force, 1 it is not, 2 usage
`,
  remove: `usage: postern firewall remove [--keep-guard]

Takes away the base ruleset, its file that is loaded when the machine starts with the line
that names it, and the guard that a daemon left, if none runs. The machine's own rules are
what they always were.

  --keep-guard       leave the guard: what it hides stays hidden
  -h, --help         this text

exit status: 0 all of it is gone, 1 not all, 2 usage
`,
  status: `usage: postern firewall status [--json]

Says whether the base ruleset is in force, confirmed or on trial, whether it is loaded
when the machine starts, whose rules judge what comes in beside it, and what is wrong, each
with the command that fixes it. Changes nothing.

  --json             one JSON document
  -h, --help         this text

exit status: 0 in force as it was confirmed, with nothing wrong; 1 not; 2 usage
`,
}
