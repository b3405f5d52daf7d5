/** Who is at the ends of a gateway that is measured. */

/** The player that frames are for, or from. */
export const PLAYER_MAC = "02:00:00:00:00:51";
/** The LAN's station. */
export const STATION_MAC = "02:00:00:00:00:77";
