/* People: what they have left of their budgets. They act while `acting` holds and may stop for ever at any moment, so
   every state of rest is looked at. What they do stands with the service that decides it. */

bit acting = 1;
byte reopenings, sendings, ratings, calibrations, selections, unsharings, waivers;
byte signings[REGISTERS];

inline stop() {
  acting -> acting = 0;
  /* What is left of the budgets says nothing any more: the same rest is the same state. */
  reopenings = REOPENINGS; sendings = SENDINGS; ratings = RATINGS; calibrations = CALIBRATIONS;
  selections = SELECTIONS; unsharings = UNSHARINGS; waivers = WAIVERS;
  printf("- people stop\n")
}
