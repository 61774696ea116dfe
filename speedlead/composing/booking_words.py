"""What the booking pages say, in English: for a words file without a `booking` of its own. A phrase's places in braces
are those of its translations too.
"""

BOOKING = {
    "choose": "Choose a time", "move_title": "Move your meeting", "taken": "Somebody else has just taken {when}.",
    "next_free": "The next free times are:",
    "none_free": "No other time is free at this moment; please answer our mail.",
    "gone": "That time is not free any more. Please choose another one.", "sure": "Is it this time?",
    "sure_move": "Move it to this time?", "book": "Book it", "move": "Move it", "lasts": "{count} minutes",
    "with": "{count} minutes with {who}", "with_us": "{count} minutes with one of us",
    "zone": "All times are {zone} time.",
    "none": "No time is free in the next days. Please answer our mail, or call us.",
    "earlier": "Earlier days", "later": "Later days",
    "where": "We do not know yet where you are. Please say so, and you see our times on your clock.",
    "elsewhere": "I am in another time zone", "here": "Where I am", "zone_name": "Time zone",
    "city": "Choose the nearest city", "show": "Show times there", "keep": "Keep the time as it is",
    "day": "{weekday} {day} {month}", "time": "{weekday} {day} {month}, {hour}:{minute}", "first": "first time",
    "second": "second time", "booked": "Your meeting is booked", "moved": "Your meeting has moved",
    "cancelled": "Your meeting is called off", "missed": "We missed you", "past": "Your meeting",
    "until": "to {end}", "at": "{zone} time", "at_with": "{zone} time, with {who} of {company}",
    "calls": "We call you at {phone}.", "how": "We send you how to meet.", "invited": "You get an invitation by mail.",
    "save": "Save to my calendar", "call_off": "Call it off", "told": "{who} is told, and the time is free again.",
    "off_now": "Call the meeting off", "another": "Choose another time",
    "by_mail": "The invitation comes by mail, with the link to move the meeting or to call it off.",
    "as_known": "We call you at the number that we have from you.",
}  # fmt: skip
