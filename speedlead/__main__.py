from speedlead.cli import main

main()
