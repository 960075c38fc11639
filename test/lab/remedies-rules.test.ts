// Goal: that of remedies.test.ts, for the remedies that let sessions go on and answers out, hide ports, and put other rules
// of Postern in force.
import { tryAll } from './remedy-trial.ts'
import { OTHERS } from './remedy-trials.ts'

tryAll(OTHERS)
