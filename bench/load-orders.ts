/** What all loads in child processes are told alike. It is apart from their programs, which run on import. */

/** Ends a load early: what is in flight is waited for. */
export const stopOrder = "stop";
