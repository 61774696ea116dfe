// the reader's time zone, so that we call in the daytime; without scripts the field stays empty
const field = document.getElementById("tz");
if (field && !field.value) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  // a list that does not have it still asks
  if (field.selectedIndex < 0) field.selectedIndex = 0;
}
