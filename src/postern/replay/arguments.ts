import { command } from '../../cli/command.ts'
import { CONFIG } from '../../cli/option.ts'
import type { Options, Values } from '../../cli/option.ts'
import { address, one } from '../../cli/value.ts'

const OPTIONS = {
  config: CONFIG,
  own: {
    value: 'ADDRESS',
    many: true,
    read: address,
    help: 'an address of the server, may be repeated; default: every address that a packet is sent to',
  },
  source: {
    value: 'ADDRESS',
    kind: 'source',
    many: true,
    read: address,
    help: 'show only this source, may be repeated',
  },
  all: { short: 'a', help: 'show also each packet that changed nothing, and why' },
  'only-ip-v4': { short: '4', help: 'ignore IPv6, as knockd -4' },
  json: { help: 'print one event a line, and a summary at the end' },
} as const satisfies Options

/** The arguments of `postern replay`. The file `-` is standard input. */
export type ReplayArguments = Values<typeof OPTIONS> & { readonly file: string }

/** `postern replay` */
export const REPLAY = command({
  name: 'postern replay',
  summary: 'show what a capture of packets would have opened, when and why',
  forms: ['[-c FILE] [options] CAPTURE'],
  about: `Runs a capture through the doors of a config, and shows what would have
happened, when and why. Runs no command, uses up no secret, changes nothing
and needs no privilege, but to read the files of keys. Packets for gpg are
left out. CAPTURE is a pcap or pcapng file, or - for
standard input.`,
  operands: { text: 'CAPTURE', kinds: ['file'] },
  options: OPTIONS,
  exits: {
    0: 'the whole capture was read',
    1: 'not all of it, or frames were cut too short',
    78: 'the config cannot be used',
  },
  examples: `  tcpdump -i eth0 -w knock.pcap 'tcp or udp or icmp or icmp6' &
  knock HOST 7000 8000 9000
  postern replay -c knockd.conf knock.pcap
  zcat week.pcap.gz | postern replay --source 192.0.2.7 --all -`,
  read: (values, words): ReplayArguments => ({
    ...values,
    file: one(words, 'replay takes one capture file', `postern replay -c ${values.config} FILE`),
  }),
  run: async () => (await import('./replay.ts')).replay,
})
