import { VERSION } from '../version.ts'
import type { Output } from './check.ts'

const USAGE_ERROR = 2

const HELP = `usage: postern COMMAND [ARGUMENT]...

Looks after knockd's doors.

  check [FILE]      say everything that is wrong with a config, and what would be
                    right
  replay CAPTURE    say what a capture of packets would have opened, when and why
  rehearse          try a config on a copy of this machine's firewall: what opens,
                    what shuts again, what does not work
  doctor            look at this machine and say what would bite, and what mends it
  status            how a running knockd is doing: what is open, and for how long
  open DOOR         open a door by hand
  close DOOR        close it before its time
  forgive ADDRESS   have an address no longer ignored for a port scan or wrong codes
  accept-loss DOOR  open a door again that was shut since its memory of used
                    packets was lost
  sequences         make, count, list and rotate lists of one-time sequences
  keygen            make the secret of a door's time-based codes, or keys for single
                    packets
  proxy HOST PORT   knock, connect and pass on: ssh's ProxyCommand
  firewall          a base ruleset that cannot lock you out; or rules with which the
                    kernel does the knocking without a daemon

  -V, --version     print the version
  -h, --help        print this; a command has a --help of its own

examples:
  postern check
  postern check --strict ./knockd.conf && systemctl reload knockd
`

/** Runs postern's command line, and gives the exit code. */
export async function postern(argv: readonly string[], output: Output): Promise<number> {
  const [command, ...args] = argv
  switch (command) {
    case '-h':
    case '--help':
      output.out(HELP)
      return 0
    case '-V':
    case '--version':
      output.out(`postern ${VERSION}\n`)
      return 0
    case 'check': {
      const { check } = await import('./check.ts')
      return await check(args, output)
    }
    case 'replay': {
      const { replay } = await import('./replay/replay.ts')
      return await replay(args, output)
    }
    case 'rehearse': {
      const { rehearse } = await import('./rehearse/rehearse.ts')
      return await rehearse(args, output)
    }
    case 'doctor': {
      const { doctor } = await import('./doctor/doctor.ts')
      return await doctor(args, output)
    }
    case 'status': {
      const { status } = await import('./control/status.ts')
      return await status(args, output)
    }
    case 'open':
    case 'close': {
      const byHand = await import('./control/by-hand.ts')
      return await byHand[command](args, output)
    }
    case 'forgive': {
      const { forgive } = await import('./control/forgive.ts')
      return await forgive(args, output)
    }
    case 'accept-loss': {
      const { acceptLoss } = await import('./control/accept-loss.ts')
      return await acceptLoss(args, output)
    }
    case 'sequences': {
      const { sequences } = await import('./sequences/sequences.ts')
      return await sequences(args, output)
    }
    case 'firewall': {
      const { firewall } = await import('./firewall/firewall.ts')
      return await firewall(args, output)
    }
    case 'keygen': {
      const { keygen } = await import('./keygen/keygen.ts')
      return await keygen(args, output)
    }
    case 'proxy': {
      const { proxy } = await import('../client/proxy/proxy.ts')
      return await proxy(args, output)
    }
    case undefined:
      output.err('postern: no command is given\n  postern --help lists them\n')
      return USAGE_ERROR
    default:
      output.err('postern: no such command\n  postern --help lists them\n')
      return USAGE_ERROR
  }
}
