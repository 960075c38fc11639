import type { Output } from '../check.ts'
import { runCommand } from '../command.ts'
import type { CommandGroup, Run } from '../command.ts'
import type { Command } from './base/asked.ts'

const HELP = `usage: postern firewall COMMAND [ARGUMENT]...

  print             print a base ruleset for a server that has none
  apply             load it on trial: it is taken back unless you confirm it
  confirm           confirm it, over a new connection
  restore           load again what was confirmed
  remove            remove it
  status            show the state
  kernel            print rules with which the kernel does the knocking, without
                    a daemon

  -h, --help        show this help; each command has its own

A firewall that this machine has already, and that drops, has to allow the
ports that doors open: it still filters packets that the guard lets in. For
tcp/22:
  ufw        ufw allow 22/tcp
  firewalld  firewall-cmd --add-port=22/tcp, and again with --permanent
  nftables   nft insert rule inet filter input tcp dport 22 accept
  iptables   iptables -A INPUT -p tcp --dport 22 -j ACCEPT    (policy DROP)
             iptables -I INPUT 3 -p tcp --dport 22 -j ACCEPT  (rule 3 drops)
  Docker     a published port is the machine's own: Open_Ports = tcp/8080
The same with ip6tables, and in the file that loads the rules. postern doctor
and postern rehearse print the command for what is in the way.
`

const FIREWALL: CommandGroup = {
  name: 'postern firewall',
  help: HELP,
  commands: {
    print: ofBase('print'),
    apply: ofBase('apply'),
    confirm: ofBase('confirm'),
    restore: ofBase('restore'),
    remove: ofBase('remove'),
    status: ofBase('status'),
    kernel: async () => (await import('./kernel.ts')).kernel,
  },
}

function ofBase(command: Command): () => Promise<Run> {
  return async () => {
    const { base } = await import('./base/base.ts')
    return async (args, output) => await base(command, args, output)
  }
}

/** Runs `postern firewall`, and returns the exit code. */
export async function firewall(argv: readonly string[], output: Output): Promise<number> {
  return await runCommand(FIREWALL, argv, output)
}
