import { command } from '../../cli/command.ts'
import { CONFIG, INTERFACES, JSON_OUTPUT } from '../../cli/option.ts'
import type { Options, Values } from '../../cli/option.ts'

const OPTIONS = { config: CONFIG, interface: INTERFACES, json: JSON_OUTPUT } as const satisfies Options

/** The arguments of `postern doctor`. */
export type DoctorArguments = Values<typeof OPTIONS>

/** `postern doctor` */
export const DOCTOR = command({
  name: 'postern doctor',
  summary: 'find problems of this machine, and show how to fix them',
  about: `Finds problems of this machine, and shows for each the command that fixes it:
interfaces, ports that are open without any knock, stay shut after it, or have
no program listening, rules that end sessions or are gone at the next start,
rules for the next start that do not fit the config, another knockd, the clock,
programs on knock ports, missing libraries and programs, lost packets, a capture
made deaf, permissions of secrets and of what root runs, the etcd of a fleet,
and what \`postern check\` finds.
Changes nothing. Without root it checks what it can.`,
  options: OPTIONS,
  exits: { 0: 'no problems', 1: 'problems found', 78: 'the config cannot be used' },
  examples: '  sudo postern doctor',
  read: (values): DoctorArguments => values,
  run: async () => (await import('./doctor.ts')).doctor,
})
