/** How node is told to run a file of ours: the images have node 24, which strips types itself, and no tsx. */
export const TYPESCRIPT_ARGS =
  'typescript' in process.features && process.features.typescript ? [] : ['--import', 'tsx']
