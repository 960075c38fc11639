import { CONFIG_UNUSABLE, DONE } from '../../../cli/exit-code.ts'
import type { Output } from '../../../cli/output.ts'
import { examineAloud } from '../../check/check.ts'
import type { RulesetArguments } from './arguments.ts'
import { rulesOf } from './rules.ts'

/** Runs `postern firewall print`, and returns the exit code. */
export function print(asked: RulesetArguments, output: Output): number {
  const config = examineAloud(asked.file, output)
  if (config === undefined) return CONFIG_UNUSABLE
  output.out(rulesOf(config, asked).file)
  return DONE
}
