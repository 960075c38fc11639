import type { Output } from './check.ts'
import { runCommand } from './command.ts'
import type { CommandGroup } from './command.ts'

const HELP = `usage: postern COMMAND [ARGUMENT]...

Manages knockd's doors.

  check [FILE]      find every fault of a config, and say what would be right
  replay CAPTURE    show what a capture of packets would have opened, when and
                    why
  rehearse          try a config on a copy of this machine's firewall: what
                    opens, what shuts again, what does not work
  doctor            find problems of this machine, and show how to fix them
  status            show how a running knockd is doing: what is open, and for
                    how long
  open DOOR         open a door by hand
  close DOOR        close it before its time
  forgive ADDRESS   stop ignoring an address that scanned ports or sent wrong
                    codes
  accept-loss DOOR  open a door again that was shut since its memory of used
                    packets was lost
  sequences         make, count, list and rotate lists of one-time sequences
  keygen            make the secret of a door's time-based codes, or keys for
                    single packets
  proxy HOST PORT   knock, connect and pass on: ssh's ProxyCommand
  firewall          set up a base ruleset that cannot lock you out; or rules
                    with which the kernel does the knocking, without a daemon
  help [COMMAND]    show the help of a command

  -V, --version     show the version
  -h, --help        show this help

examples:
  postern check
  postern check --strict ./knockd.conf && systemctl reload knockd
`

const POSTERN: CommandGroup = {
  name: 'postern',
  help: HELP,
  commands: {
    check: async () => (await import('./check.ts')).check,
    replay: async () => (await import('./replay/replay.ts')).replay,
    rehearse: async () => (await import('./rehearse/rehearse.ts')).rehearse,
    doctor: async () => (await import('./doctor/doctor.ts')).doctor,
    status: async () => (await import('./control/status.ts')).status,
    open: async () => (await import('./control/by-hand.ts')).open,
    close: async () => (await import('./control/by-hand.ts')).close,
    forgive: async () => (await import('./control/forgive.ts')).forgive,
    'accept-loss': async () => (await import('./control/accept-loss.ts')).acceptLoss,
    sequences: async () => (await import('./sequences/sequences.ts')).sequences,
    firewall: async () => (await import('./firewall/firewall.ts')).firewall,
    keygen: async () => (await import('./keygen/keygen.ts')).keygen,
    proxy: async () => (await import('../client/proxy/proxy.ts')).proxy,
  },
}

/** Runs postern's command line, and returns the exit code. */
export async function postern(argv: readonly string[], output: Output): Promise<number> {
  return await runCommand(POSTERN, argv, output)
}
