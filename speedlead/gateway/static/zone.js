// the reader's time zone, so that we call in the daytime; without scripts the field stays empty
const field = document.getElementById("tz");
if (field && !field.value) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
