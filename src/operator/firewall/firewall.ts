import { USAGE } from '../check.ts'
import type { Output } from '../check.ts'

const HELP = `usage: postern firewall COMMAND [ARGUMENT]...

  print             print a base ruleset for a server that has none
  apply             put it in force, and take it back unless that is confirmed
  confirm           confirm it, over a new connection
  restore           put back what was confirmed
  remove            take it away
  status            show the state
  kernel            print rules with which the kernel knocks, without a daemon

  -h, --help        print this; a command has a --help of its own

A firewall that this machine has already, and that drops, has to allow the
ports that doors open: it still judges whoever the guard lets in. For tcp/22:
  ufw        ufw allow 22/tcp
  firewalld  firewall-cmd --add-port=22/tcp, and again with --permanent
  nftables   nft insert rule inet filter input tcp dport 22 accept
  iptables   iptables -A INPUT -p tcp --dport 22 -j ACCEPT    (policy DROP)
             iptables -I INPUT 3 -p tcp --dport 22 -j ACCEPT  (rule 3 drops)
  Docker     a published port is the machine's own: Open_Ports = tcp/8080
The same with ip6tables, and in the file that loads the rules. postern doctor
and postern rehearse print the command for what is in the way.
`

/** Runs `postern firewall`, and gives the exit code. */
export async function firewall(argv: readonly string[], output: Output): Promise<number> {
  const [command, ...args] = argv
  switch (command) {
    case '-h':
    case '--help':
      output.out(HELP)
      return 0
    case 'kernel': {
      const { kernel } = await import('./kernel.ts')
      return await kernel(args, output)
    }
    case 'print':
    case 'apply':
    case 'confirm':
    case 'restore':
    case 'remove':
    case 'status': {
      const { base } = await import('./base/base.ts')
      return await base(command, args, output)
    }
    case undefined:
      output.err('postern: firewall: no command is given\n  postern firewall --help lists them\n')
      return USAGE
    default:
      output.err('postern: firewall: no such command\n  postern firewall --help lists them\n')
      return USAGE
  }
}
