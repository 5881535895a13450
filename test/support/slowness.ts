/** For .ci/run: how many times slower than usual this machine currently is, as a whole number. */
import { slowness } from './patience.ts'

console.log(Math.ceil(slowness()))
