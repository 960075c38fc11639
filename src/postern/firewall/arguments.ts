import { command } from '../../cli/command.ts'
import { UsageError } from '../../cli/fault.ts'
import type { CommandGroup } from '../../cli/group.ts'
import { CONFIG } from '../../cli/option.ts'
import type { Options } from '../../cli/option.ts'
import type { Service } from '../../config/config.ts'
import type { Dialect } from '../../firewall/kernel-only/dialect.ts'
import type { Family } from '../../packet/address.ts'
import { ALLOW } from './allowed.ts'
import { BASE_COMMANDS } from './base/arguments.ts'

const FAMILIES: readonly Family[] = [4, 6]

const OPTIONS = {
  config: CONFIG,
  format: {
    value: 'nft|iptables',
    kind: ['nft', 'iptables'],
    default: 'nft',
    help: 'nft is for nft -f; iptables for iptables-restore and ip6tables-restore, with the recent match',
  },
  family: { value: '4|6', kind: ['4', '6'], help: 'with --format iptables: only this family' },
  allow: { ...ALLOW, help: 'ports that stay open to everybody, as in tcp/80,tcp/443' },
  door: { value: 'NAME', kind: 'door', many: true, help: 'only this door, may be repeated; default: all doors' },
  persist: {
    help: 'write it where this machine loads its rules at boot, and show what changes; loads nothing now',
  },
  'dry-run': { within: 'persist', help: 'with --persist: show what would change, and change nothing' },
  replace: {
    within: 'persist',
    help: 'with --persist: also replace rules of other programs; a copy of them is kept',
  },
} as const satisfies Options

/** The arguments of `postern firewall kernel`. */
export interface KernelArguments {
  readonly file: string
  readonly dialect: Dialect
  readonly families: readonly Family[]
  readonly allowed: readonly Service[]
  readonly doors: readonly string[]
  readonly persist: boolean
  readonly dryRun: boolean
  readonly replace: boolean
}

/** `postern firewall kernel` */
export const KERNEL = command({
  name: 'postern firewall kernel',
  summary: 'print rules with which the kernel does the knocking, without a daemon',
  about: `Prints a complete ruleset with which the kernel does the knocking alone,
without a daemon: for doors with a fixed Sequence and Open_Ports. Other doors
are refused. All ports but those named are closed, so name those that are for
everybody.`,
  options: OPTIONS,
  exits: {
    0: 'done',
    1: 'not written',
    78: 'the config cannot be used, or the kernel cannot do one of its doors',
  },
  examples: `  postern firewall kernel --allow tcp/80,tcp/443 > kernel.nft
  nft -c -f kernel.nft
  postern firewall kernel --format iptables --family 4 |
    iptables-restore --noflush
  postern firewall kernel --allow tcp/80 --persist --dry-run`,
  read: (values): KernelArguments => {
    const { config: file, format: dialect, family, allow, door: doors, persist, 'dry-run': dryRun, replace } = values
    if (family !== undefined && dialect === 'nft') {
      throw new UsageError("nft's rules are for both families: leave out --family")
    }
    if (!persist && (dryRun || replace)) throw new UsageError('--dry-run and --replace belong to --persist')
    const families = family === undefined ? FAMILIES : FAMILIES.filter((each) => String(each) === family)
    return { file, dialect, families, allowed: allow.flat(), doors, persist, dryRun, replace }
  },
  run: async () => (await import('./kernel.ts')).kernel,
})

/** `postern firewall` */
export const FIREWALL: CommandGroup = {
  name: 'postern firewall',
  summary:
    'set up a base ruleset that cannot lock you out; or rules with which the kernel does the knocking, without a daemon',
  commands: [...BASE_COMMANDS, KERNEL],
  notes: `A firewall that this machine has already, and that drops, has to allow the
ports that doors open: it still filters packets that the guard lets in. For
tcp/22:
  ufw        ufw allow 22/tcp
  firewalld  firewall-cmd --add-port=22/tcp, and again with --permanent
  nftables   nft insert rule inet filter input tcp dport 22 accept
  iptables   iptables -A INPUT -p tcp --dport 22 -j ACCEPT    (policy DROP)
             iptables -I INPUT 3 -p tcp --dport 22 -j ACCEPT  (rule 3 drops)
  Docker     a published port is the machine's own: Open_Ports = tcp/8080
The same with ip6tables, and in the file that loads the rules. postern doctor
and postern rehearse print the command for what is in the way.`,
}
